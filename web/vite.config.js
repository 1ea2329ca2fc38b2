import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The server that `npm run dev` passes everything to that is not a page of ours.
const server = process.env.HEFFL_DEV_SERVER ?? 'http://localhost:8080';

// A page on Vite's own port is another origin: the server knows only its own, so the proxy speaks for it.
const behind = { target: server, changeOrigin: true, headers: { origin: server } };

export default defineConfig({
  appType: 'mpa',
  plugins: [react()],
  build: {
    target: 'es2022',
    // Go embeds the folder whole, so what is no longer built must not stay in it.
    emptyOutDir: true,
    // The policy of the pages allows no inline script and no data: script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    // Monaco is one piece of 2.8 MB; splitting it would only add requests.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: { reference: 'index.html', playground: 'playground/index.html' },
      // "use no memo" is a note to the React compiler, which has already run over GraphiQL: dropping it is right.
      onLog(level, log, report) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
  server: {
    proxy: {
      '/graphql': { ...behind, ws: true },
      '/session': behind,
      '/sandbox': behind,
      '/oauth': behind,
      '/playground/users.json': behind,
    },
  },
});
