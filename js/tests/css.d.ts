/** The text of a style sheet, as it is in the file. */
declare module "*.css?raw" {
  const text: string;
  export default text;
}
