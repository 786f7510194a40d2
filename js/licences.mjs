// The licences of everything that a bundle holds, to be shipped beside it.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const INSTALLED = /^node_modules\/((?:@[^/]+\/)?[^/]+)(?:\/node_modules\/((?:@[^/]+\/)?[^/]+))*\//;
const LICENCE_FILE = /^(licen[cs]e|copying)/i;

/**
 * @param {string} root folder that holds node_modules
 * @param {import("esbuild").Metafile} metafile of the build
 * @returns {Promise<string>} name, version, licence and its text for each package that bytes of the output come from
 */
export async function licencesOf(root, metafile) {
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const folders = new Set(inputs.map(([path]) => INSTALLED.exec(path)?.[0]).filter(Boolean));
  const texts = await Promise.all([...folders].sort().map((folder) => licenceOf(join(root, folder))));
  return texts.join(`\n\n${"=".repeat(80)}\n\n`);
}

async function licenceOf(folder) {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => LICENCE_FILE.test(entry));
  const by = typeof author === "object" ? author.name : author;
  const text = file
    ? await readFile(join(folder, file), "utf8")
    : `Copyright ${by ?? `the authors of ${name}`}`;
  return `${name} ${version} (${typeof license === "object" ? license.type : license})\n\n${text.trim()}\n`;
}
