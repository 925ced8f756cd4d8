/**
 * A client's side of a WebSocket (RFC 6455) over a socket of Node's: text messages, no extensions.
 *
 * The WebSocket that newer Nodes bring would keep the process from ending for as long as it is open, and it sets no headers.
 */

import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";

/** Bytes of the answer to the handshake: the daemon's has some 200. */
const MAX_HEAD = 16 * 1024;
/** RFC 6455, 1.3: what the answer to a handshake is made with. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEAD_END = "\r\n\r\n";
/** Bytes of the longest header of a frame: the size takes eight, and the mask, which only clients send, four. */
const MAX_HEADER = 14;

const CONTINUATION = 0;
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** The handshake was refused, or what answers speaks no WebSocket. */
export class HandshakeError extends Error {}

/** Asks for a WebSocket on a socket that is connected; returns what has come after the answer. Throws HandshakeError. */
export async function shakeHands(socket: Socket, url: URL, token: string, protocol: string): Promise<Buffer> {
  const key = randomBytes(16).toString("base64");
  const lines = [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    `Authorization: Bearer ${token}`,
  ];
  socket.write(lines.join("\r\n") + HEAD_END);
  const [head, rest] = await readHead(socket);
  const accept = createHash("sha1").update(key + MAGIC).digest("base64");
  const [status = "", ...headers] = head.split("\r\n");
  if (!/^HTTP\/1\.1 101\b/.test(status)) {
    throw new HandshakeError(`${status || "no HTTP"}${rest.length > 0 ? `: ${rest.toString("utf8").trim()}` : ""}`);
  }
  if (!headers.some((line) => /^sec-websocket-accept:/i.test(line) && line.slice(line.indexOf(":") + 1).trim() === accept)) {
    throw new HandshakeError("what answers speaks no WebSocket");
  }
  return rest;
}

/** Reads up to the end of the headers, and what has come with them. */
function readHead(socket: Socket): Promise<[head: string, rest: Buffer]> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const done = (): void => {
      socket.off("data", take).off("end", ended).off("error", failed);
    };
    const take = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const end = read.indexOf(HEAD_END);
      if (end >= 0) {
        done();
        socket.pause();
        resolve([read.subarray(0, end).toString("latin1"), read.subarray(end + HEAD_END.length)]);
      } else if (read.length > MAX_HEAD) {
        done();
        reject(new HandshakeError("what answers speaks no WebSocket"));
      }
    };
    const ended = (): void => {
      done();
      reject(new HandshakeError("the connection was closed"));
    };
    const failed = (error: Error): void => {
      done();
      reject(error);
    };
    socket.on("data", take).on("end", ended).on("error", failed);
  });
}

/** What comes out of a `FrameReader`. */
export interface FrameHandlers {
  message(text: string): void;
  /** To be sent back. */
  pong(data: Buffer): void;
  /** The peer has closed, or has broken the protocol. */
  over(reason: string): void;
}

/** Puts messages together from a byte stream. A frame is joined only once it is complete, however many pieces it came in. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #size = 0;
  #wanted = 2;
  #parts: Buffer[] = [];
  #partial = 0;
  #over = false;

  constructor(
    private readonly handlers: FrameHandlers,
    private readonly maxMessage: number,
  ) {}

  push(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    while (!this.#over && this.#size >= this.#wanted) {
      const read = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
      this.#pieces = [read];
      const taken = this.#takeFrame(read);
      if (taken > 0) {
        this.#pieces = taken < read.length ? [read.subarray(taken)] : [];
        this.#size -= taken;
        this.#wanted = 2;
      }
    }
  }

  /** Takes the frame that `read` begins with; returns its size, or 0 and sets how many bytes have to be there first. */
  #takeFrame(read: Buffer): number {
    const [first, second] = [read[0]!, read[1]!];
    const short = second & 0x7f;
    const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (read.length < start) {
      this.#wanted = start;
      return 0;
    }
    const size = short === 126 ? read.readUInt16BE(2) : short === 127 ? Number(read.readBigUInt64BE(2)) : short;
    if ((first & 0x70) !== 0 || (second & 0x80) !== 0) {
      this.#end("a frame is not as RFC 6455 has it");
    } else if (this.#partial + size > this.maxMessage) {
      this.#end("a message is too long");
    } else if (read.length < start + size) {
      this.#wanted = start + size;
      return 0;
    } else {
      this.#takeMessage(first, read.subarray(start, start + size));
    }
    return start + size;
  }

  #takeMessage(first: number, data: Buffer): void {
    const opcode = first & 0x0f;
    if (opcode === TEXT || opcode === CONTINUATION) {
      this.#parts.push(data);
      this.#partial += data.length;
      if ((first & 0x80) !== 0) {
        const parts = this.#parts;
        this.#parts = [];
        this.#partial = 0;
        this.handlers.message(parts.length === 1 ? data.toString("utf8") : Buffer.concat(parts).toString("utf8"));
      }
    } else if (opcode === PING) {
      this.handlers.pong(data);
    } else if (opcode === CLOSE) {
      const text = data.subarray(2).toString("utf8");
      this.#end(text || (data.length >= 2 ? `closed with ${data.readUInt16BE(0)}` : "closed"));
    } else if (opcode !== PONG) {
      this.#end("messages are text");
    }
  }

  #end(reason: string): void {
    this.#over = true;
    this.handlers.over(reason);
  }
}

export const textFrame = (text: string): Buffer => frame(TEXT, Buffer.from(text));
export const pongFrame = (data: Buffer): Buffer => frame(PONG, data);
/** "Normal closure". */
export const closeFrame = (): Buffer => frame(CLOSE, Buffer.of(1000 >> 8, 1000 & 0xff));

/** One frame of a client, which is always masked (RFC 6455, 5.3). */
function frame(opcode: number, data: Buffer): Buffer {
  const made = Buffer.allocUnsafe(MAX_HEADER + data.length);
  made[0] = 0x80 | opcode;
  let at = 2;
  if (data.length < 126) {
    made[1] = 0x80 | data.length;
  } else if (data.length < 2 ** 16) {
    made[1] = 0x80 | 126;
    at = made.writeUInt16BE(data.length, at);
  } else {
    made[1] = 0x80 | 127;
    at = made.writeBigUInt64BE(BigInt(data.length), at);
  }
  const mask = randomBytes(4);
  at += mask.copy(made, at);
  for (let index = 0; index < data.length; index += 1) {
    made[at + index] = data[index]! ^ mask[index & 3]!;
  }
  return made.subarray(0, at + data.length);
}
