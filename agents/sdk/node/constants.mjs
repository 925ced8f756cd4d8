// node:constants: those of fs and os together, as old packages ask for them.

import { constants as files } from "./fs-constants.mjs";
import { constants as system } from "./os.mjs";

export default { ...files, ...system.signals, ...system.errno };
