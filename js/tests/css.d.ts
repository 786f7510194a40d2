/** The text of a style sheet, as it is in the file. */
declare module "*.css?raw" {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Vite's: the modules whose paths match, by path. */
  glob<Module>(patterns: readonly string[], options: object): Record<string, Module>;
}
