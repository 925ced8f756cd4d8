// node:net: what is an address. There are no sockets: http and https go through the host.

import { absent } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";

export const isIPv4 = (text) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(text);
export function isIPv6(text) {
  try {
    return String(text).includes(":") && Boolean(new URL(`http://[${String(text).replace(/%.*/, "")}]/`));
  } catch {
    return false;
  }
}
export const isIP = (text) => (isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0);
export const connect = absent("net.connect");
export const createConnection = absent("net.createConnection");
export const createServer = absent("net.createServer");
/** Packages extend it, and make one only where they are given a socket. */
export class Socket extends EventEmitter {
  constructor() {
    super();
    absent("net.Socket")();
  }
}
export const Server = createServer;
export default { connect, createConnection, createServer, isIP, isIPv4, isIPv6, Server, Socket };
