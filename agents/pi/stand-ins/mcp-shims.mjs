// In the place of what the MCP SDK has for Node: a checker of schemas that compiles them to code, which a guest's engine cannot.
export * from "../../node_modules/@modelcontextprotocol/client/dist/shimsWorkerd.mjs";
