/** Axes of small plots: where a value lies, and round numbers for the ticks. */

/** Return a logarithmic axis from pixel `from` to pixel `to`, slightly longer than the range of `values`. */
export function axis(values: readonly number[], from: number, to: number) {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const spare = Math.max((high - low) * 0.06, 0.04);
  const [start, end] = [low - spare, high + spare];
  return {
    at: (value: number) => from + ((Math.log10(value) - start) / (end - start)) * (to - from),
    ticks: ticksBetween(start, end),
  };
}

/** Return at most five round numbers between two powers of ten; evenly spaced numbers on a short axis. */
function ticksBetween(start: number, end: number): number[] {
  for (const steps of [[1], [1, 3], [1, 2, 5]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(start); power <= Math.ceil(end); power++) {
      ticks.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(2))));
    }
    const inside = ticks.filter((tick) => Math.log10(tick) >= start && Math.log10(tick) <= end);
    if (inside.length >= 3) {
      return inside.length <= 5 ? inside : inside.filter((_, index) => index % 2 === 0);
    }
  }
  return evenTicks(10 ** start, 10 ** end);
}

/** Return at most five evenly spaced round numbers from `low` to `high`. */
export function evenTicks(low: number, high: number): number[] {
  const least = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}
