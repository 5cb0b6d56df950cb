import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Assets go where `octo edit` serves them from, and where the wheel takes them from.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../octo/cli/editing/built",
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // Tests wait for what they promise; the limit is there for what hangs.
  test: { testTimeout: 180_000 },
});
