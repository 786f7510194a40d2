/** The text of a style sheet, including its imports; see build.mjs. */
declare module "*.css?inline" {
  const text: string;
  export default text;
}
