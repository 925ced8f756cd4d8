import { defineConfig } from "vite";

// `npm run dev` shows the page with a daemon where `torpor inspect --port 6421` runs and this browser has its cookie.
const inspector = "http://127.0.0.1:6421";

export default defineConfig({
  build: {
    target: "es2022",
    // Fonts and icons stay files: the policy of the page lets no style bring data of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { host: "127.0.0.1", proxy: { "/rpc": { target: inspector, ws: true, changeOrigin: true } } },
});
