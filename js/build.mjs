// Builds the view's module with its style sheet, the loader and the offline page's script, into the Python package.
// `node build.mjs --serve` serves dev/ instead and rebuilds it after every change; `--dev` only builds it.
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { licencesOf } from "./licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const serve = process.argv.includes("--serve");
const dev = serve || process.argv.includes("--dev");
const out = dev ? join(here, "dev", "dist") : join(here, "..", "fixlip_widgets", "widget", "static");

/** Plotly's core imports the style sheet of maps, which this bundle does not need. */
const noForeignStyles = {
  name: "no-foreign-styles",
  setup(build) {
    build.onLoad({ filter: /node_modules.*\.css$/ }, () => ({ contents: "", loader: "empty" }));
  },
};

const target = ["es2022", "chrome111", "firefox113", "safari16.4"];

/** `name.css?inline` is the text of a style sheet, including its imports. */
const stylesAsText = {
  name: "styles-as-text",
  setup(build) {
    build.onResolve({ filter: /\.css\?inline$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace("?inline", "")),
      namespace: "text",
    }));
    build.onLoad({ filter: /\.css$/, namespace: "text" }, async ({ path }) => {
      const { outputFiles, metafile } = await esbuild.build({
        absWorkingDir: here,
        entryPoints: [path],
        bundle: true,
        minify: !dev,
        target,
        write: false,
        metafile: true,
      });
      const watchFiles = Object.keys(metafile.inputs).map((input) => join(here, input));
      return { contents: outputFiles[0].text, loader: "text", watchFiles };
    });
  },
};

/** @type {esbuild.BuildOptions} */
const options = {
  absWorkingDir: here,
  entryPoints: [
    { in: "src/loader.ts", out: "loader" },
    { in: "src/index.tsx", out: "widget" },
    { in: "src/gallery/index.tsx", out: "gallery" },
    { in: "src/plotly.ts", out: "plotly" },
    { in: "src/offline/main.ts", out: "offline" },
    ...(dev ? [{ in: "dev/harness.ts", out: "harness" }] : []),
  ],
  outdir: out,
  bundle: true,
  format: "esm",
  target,
  minify: !dev,
  sourcemap: dev ? "inline" : false,
  legalComments: "none",
  define: { global: "globalThis" },
  logLevel: serve ? "info" : "warning",
  plugins: [stylesAsText, noForeignStyles],
};

if (serve) {
  const context = await esbuild.context(options);
  await context.watch();
  await context.serve({ servedir: join(here, "dev"), host: "127.0.0.1", port: 5173 });
} else if (dev) {
  await esbuild.build(options);
} else {
  await mkdir(out, { recursive: true });
  /** Largest sizes in bytes: a view is sent to each page, and Plotly when a heatmap is first shown. */
  const largest = { "widget.js": 232_000, "gallery.js": 100_000, "plotly.js": 1_200_000 };
  const { metafile } = await esbuild.build({ ...options, metafile: true });
  for (const [path, { bytes }] of Object.entries(metafile.outputs)) {
    const most = largest[basename(path)] ?? Number.POSITIVE_INFINITY;
    if (bytes > most) {
      throw new Error(`${basename(path)} has ${bytes} bytes; ${most} is the most it may have.`);
    }
  }
  await writeFile(join(out, "LICENSES.txt"), await licencesOf(here, metafile));
}
