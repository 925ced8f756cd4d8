// In the place of pi's tools-manager.js, which downloads rg and fd: search.mjs uses the VM's rg, and nothing else asks for them.
export const ensureTool = async () => undefined;
export const getToolPath = () => null;
