/** The client of Torpor: `createClient` is where to begin. */

export { Client, createClient, Vms, type ClientOptions } from "./client.js";
export { Connection, type ConnectOptions } from "./connection.js";
export { ConnectionError, EndpointError, TorporError } from "./errors.js";
export type * from "./events.js";
export type * from "./generated.js";
export { Vm, type EventsOptions, type Session, type VmName } from "./vm.js";
