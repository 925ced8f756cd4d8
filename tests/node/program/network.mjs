// http, net

import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { json, text } from "node:stream/consumers";

const answer = (request) => new Promise((resolve, reject) => request.on("response", resolve).on("error", reject));

export async function test_http(url) {
  const asked = http.request(url + "/echo?x=1", { method: "POST", headers: { "X-Own": "mine" } });
  asked.write("one ");
  asked.end(Buffer.from("two"));
  const response = await answer(asked);
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers["content-type"], "application/json");
  assert.deepEqual(await json(response), { method: "POST", target: "/echo?x=1", own: "mine", body: "one two" });
  const { hostname, port } = new URL(url);
  const got = await new Promise((resolve) => http.get({ hostname, port, path: "/get" }, resolve));
  assert.equal(JSON.parse(await text(got)).target, "/get");
  const odd = await new Promise((resolve) => http.get({ hostname, port, path: "//elsewhere.test/x" }, resolve));
  assert.equal((await json(odd)).target, "//elsewhere.test/x");
  const refused = http.get("http://not-allowed.test/");
  await assert.rejects(answer(refused), /not-allowed.test failed: HTTP-request-denied/);
  assert.throws(() => http.createServer(), /does not exist in a guest/);
  assert.equal(https.request("https://x.test/").protocol, "https:");
}

export function test_net() {
  assert.deepEqual(["127.0.0.1", "::1", "256.1.1.1", "x", "1.2.3"].map(net.isIP), [4, 6, 0, 0, 0]);
  assert.throws(() => new net.Socket(), /does not exist in a guest/);
}
