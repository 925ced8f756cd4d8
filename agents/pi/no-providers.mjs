// pi-ai registers every provider it knows, with their SDKs. This agent hands its one provider to the core itself.
export {};
