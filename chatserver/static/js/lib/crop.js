/**
 * A square section of a picture: {width, height, x, y, side}. `width` and `height` are those of the picture, `x` and `y`
 * the corner of the section, in pixels. It never leaves the picture.
 */

const SMALLEST = 64; // pixels of the picture
const MAX_ZOOM = 8;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const longest = ({ width, height }) => Math.min(width, height);
const shortest = (section) => Math.min(longest(section), Math.max(SMALLEST, longest(section) / MAX_ZOOM));

/** The largest section, in the middle. */
export function largest(width, height) {
  const side = Math.min(width, height);
  return { width, height, side, x: (width - side) / 2, y: (height - side) / 2 };
}

/** Move a section; `dx` and `dy` are fractions of its side. */
export function moved(section, dx, dy) {
  const { width, height, x, y, side } = section;
  return { ...section, x: clamp(x + dx * side, 0, width - side), y: clamp(y + dy * side, 0, height - side) };
}

/** Multiply the side by `factor`. The point `at`, in fractions of the side, stays where it is. */
export function resized(section, factor, at = { x: 0.5, y: 0.5 }) {
  const side = clamp(section.side * factor, shortest(section), longest(section));
  const spare = section.side - side;
  return moved({ ...section, side, x: section.x + spare * at.x, y: section.y + spare * at.y }, 0, 0);
}

/** 0 for the largest section … 1 for the smallest; equal steps look equal. */
export function zoomOf(section) {
  const range = Math.log(longest(section) / shortest(section));
  return range === 0 ? 0 : Math.log(longest(section) / section.side) / range;
}

/** Set the zoom, 0 … 1. */
export function zoomed(section, zoom) {
  const side = longest(section) * (shortest(section) / longest(section)) ** zoom;
  return resized(section, side / section.side);
}

/**
 * A section under one or two pointers that moved: `before` and `after` are their positions, in fractions of the side.
 * Two pointers zoom as well.
 */
export function dragged(section, before, after) {
  const [from, to] = [middle(before), middle(after)];
  const sized = before.length > 1 ? resized(section, spread(before) / spread(after), from) : section;
  return moved(sized, from.x - to.x, from.y - to.y);
}

const middle = (points) => ({ x: mean(points.map(({ x }) => x)), y: mean(points.map(({ y }) => y)) });
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = ([one, other]) => Math.max(0.01, Math.hypot(one.x - other.x, one.y - other.y));
