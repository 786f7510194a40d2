/** A style sheet's text, with what it imports put in; see build.mjs. */
declare module "*.css?inline" {
  const text: string;
  export default text;
}
