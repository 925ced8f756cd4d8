// The MCP SDK signs OAuth assertions with jose. Here servers are reached with the headers that the session's creator gave.
export {};
