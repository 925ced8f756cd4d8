// node:v8: what a program asks to know how much memory it may take. The rest is not there.

import { absent } from "./errors.mjs";
import { totalmem } from "./os.mjs";
import process from "./process-global.mjs";

export function getHeapStatistics() {
  const used = process.memoryUsage.rss();
  return {
    total_heap_size: used, total_heap_size_executable: 0, total_physical_size: used, total_available_size: totalmem() - used, used_heap_size: used,
    heap_size_limit: totalmem(), malloced_memory: 0, peak_malloced_memory: 0, does_zap_garbage: 0, number_of_native_contexts: 1,
    number_of_detached_contexts: 0, total_global_handles_size: 0, used_global_handles_size: 0, external_memory: 0,
  };
}
export const [serialize, deserialize, writeHeapSnapshot, getHeapSnapshot] = ["serialize", "deserialize", "writeHeapSnapshot", "getHeapSnapshot"].map((name) => absent(`v8.${name}`));
export const setFlagsFromString = () => {};
export const startupSnapshot = { isBuildingSnapshot: () => false };

export default { getHeapStatistics, serialize, deserialize, writeHeapSnapshot, getHeapSnapshot, setFlagsFromString, startupSnapshot };
