/** Files that the browser saves: text, and SVG rasterised as PNG. */

/** Pixels of a PNG for each unit of its SVG. */
const SCALE = 2;
/** Time in which the browser begins to save a file, after which its URL is released. */
const SAVED_WITHIN_MS = 30_000;

export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_WITHIN_MS);
}

export function saveText(name: string, text: string, type: string): void {
  save(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** Rasterise an SVG file of this size; throw if the browser cannot. */
export async function png(
  svg: string,
  size: { readonly width: number; readonly height: number },
): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const canvas = drawn(await loaded(url), SCALE * size.width, SCALE * size.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The canvas has no picture.")))),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Return a picture as a `data:` URL of a PNG, which every program that reads SVG can show. */
export async function embedded(url: string): Promise<string> {
  const picture = await loaded(url);
  return drawn(picture, picture.naturalWidth, picture.naturalHeight).toDataURL("image/png");
}

async function loaded(url: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

function drawn(picture: HTMLImageElement, width: number, height: number): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(width),
    height: Math.round(height),
  });
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
