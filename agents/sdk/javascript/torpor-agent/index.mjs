// Agents in JavaScript: ACP on standard input and output, as a class with a method for prompts.
//
//     import { Agent, run } from "torpor-agent";
//
//     class Scribe extends Agent {
//       async prompt(session, blocks) {
//         session.say(`You said: ${blocks.text}`);
//       }
//     }
//
//     run(new Scribe());
//
// sdk.mjs         all that it exports
// agent.mjs       what an agent is, and `run`
// session.mjs     a conversation: what is said in it, and what the client is asked
// tool-call.mjs   what the agent does, as the client shows it
// settings.mjs    modes and config options
// connection.mjs  requests and answers in both directions
// wire.mjs        lines on the standard streams
//
// It needs nothing but Node, and runs in any process whose streams a client of ACP holds. In VMs it is a part of `node`
// itself, so that no session has to load it.

import { takeOutput } from "./wire.mjs";

takeOutput();

export * from "./sdk.mjs";
