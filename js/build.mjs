// Builds the modules of the view with their style sheets, the loader and the offline page's script, into the Python package.
// `node build.mjs --serve` serves dev/ instead and rebuilds it after every change; `--dev` only builds it.
import { mkdir, stat, writeFile } from "node:fs/promises";
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
  entryPoints: dev
    ? { plotly: "src/plotly.ts", harness: "dev/harness.ts" }
    : {
        loader: "src/loader.ts",
        gallery: "src/gallery/index.tsx",
        plotly: "src/plotly.ts",
        offline: "src/offline/main.ts",
      },
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

/**
 * Build widget.js, and details.js, which imports what both contain from "./widget.js". esbuild puts that into a third
 * module, which is then merged with widget.js, so that a page needs one module for its first view.
 *
 * @returns {Promise<esbuild.Metafile>}
 */
async function buildView() {
  const { outputFiles, metafile } = await esbuild.build({
    ...options,
    entryPoints: { widget: "src/index.tsx", details: "src/shell/All.tsx" },
    chunkNames: "shared",
    splitting: true,
    write: false,
    metafile: true,
  });
  const built = new Map(outputFiles.map(({ path, text }) => [`./${basename(path)}`, text]));
  const details = built.get("./details.js").replace("./shared.js", "./widget.js");
  const [, imported] = /import\{([^}]*)\}from"\.\/widget\.js"/.exec(details);
  const names = imported.split(",").map((name) => name.split(" as ")[0]);
  await esbuild.build({
    ...options,
    entryPoints: undefined,
    stdin: {
      contents: `export { ${names.join(", ")} } from "./shared.js"; export { default } from "./widget.js";`,
    },
    outdir: undefined,
    outfile: join(out, "widget.js"),
    plugins: [
      {
        name: "built",
        setup(build) {
          build.onResolve({ filter: /^\.\// }, ({ path }) => ({ path, namespace: "built" }));
          build.onLoad({ filter: /./, namespace: "built" }, ({ path }) => ({ contents: built.get(path) }));
        },
      },
    ],
  });
  await writeFile(join(out, "details.js"), details);
  return metafile;
}

if (serve) {
  const context = await esbuild.context(options);
  await context.watch();
  await context.serve({ servedir: join(here, "dev"), host: "127.0.0.1", port: 5173 });
} else if (dev) {
  await esbuild.build(options);
} else {
  await mkdir(out, { recursive: true });
  const { metafile } = await esbuild.build({ ...options, metafile: true });
  const view = await buildView();
  /** Largest sizes in bytes: a view is sent to each page, and Plotly when a heatmap is first shown. */
  const largest = {
    "widget.js": 150_000,
    "details.js": 100_000,
    "gallery.js": 100_000,
    "plotly.js": 1_200_000,
  };
  for (const [name, most] of Object.entries(largest)) {
    const { size } = await stat(join(out, name));
    if (size > most) {
      throw new Error(`${name} has ${size} bytes; ${most} is the most it may have.`);
    }
  }
  const outputs = { ...metafile.outputs, ...view.outputs };
  await writeFile(join(out, "LICENSES.txt"), await licencesOf(here, { outputs }));
}
