/** Terms that explain themselves on demand, in the words of the documentation. */

import type { ComponentChildren } from "preact";
import { Popover } from "./Popover";

export const DEFINITIONS = {
  p: "The probability of keeping each patch and word when the others are hidden at random. With a small p, few other parts are kept beside a part; with a large p, nearly all.",
  budget:
    "The number of image–text pairs in the regression. They need far fewer encodings of the image, which are the costly part.",
  similarity:
    "The model’s score for the whole image and caption, in logits: the cosine similarity of their embeddings times the model’s scale, plus its bias if it has one.",
  logit:
    "The model’s score for the whole image and the class, in logits: the cosine similarity of the image’s embedding and the class’s text vector times the model’s scale, plus its bias if it has one.",
  margin:
    "How much the model prefers the first class to the second for the whole image, in logits: the difference of their logits.",
  "log-probability":
    "The natural logarithm of the probability that the model gives the first one among all, with nothing hidden, in nats.",
  r2: "The share of the score’s variation, over masks not used in the fit, that the explanation predicts. 1 is perfect; do not interpret an explanation near 0.",
  residual: "The model’s score with nothing hidden minus what the explanation predicts for it.",
  se: "The standard error measures how much an estimate varies over random draws of masks. A value is significant if it differs from 0 by more than this variation explains (Holm, family-wise 5 %). With masks from orthogonal arrays, standard errors are upper bounds.",
  shares:
    "The shares of the score’s variance over masks drawn with p that each kind of term explains (ANOVA). They add up to the held-out R²; without it, to 1.",
  main: "What a single patch or word adds to the model’s score, averaged over masks drawn with p. It is not the effect of the part alone.",
  interaction:
    "How much more two parts add together than separately, averaged over contexts drawn with p. A negative interaction means that they are redundant or contradict each other.",
  baseline: "What the explanation predicts with everything hidden.",
  trust:
    "How well the explanation agrees with the model. It is high if it predicts masks that it has not seen, its residual is small, and some interactions are significant.",
} as const;

export type TermName = keyof typeof DEFINITIONS;

interface DefinitionProps {
  readonly of: TermName;
  /** The term; without it, the button is a question mark beside a label that names the term. */
  readonly children?: ComponentChildren;
  /** Name of the term, for the question mark. */
  readonly name?: string;
  /** A further sentence, about the number on screen. */
  readonly more?: string;
}

export function Definition({ of, children, name, more }: DefinitionProps) {
  const text = more ? `${DEFINITIONS[of]} ${more}` : DEFINITIONS[of];
  return children ? (
    <Popover text={text}>{children}</Popover>
  ) : (
    <Popover kind="mark" label={`What is ${name ?? of}?`} text={text}>
      {null}
    </Popover>
  );
}
