// Red is left to what the lines themselves want to say.
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94]
const OFFSET_BASIS = 0x811c9dc5
const PRIME = 0x01000193

/** The text in the colour of a service: the same one in every run, on every machine. */
export function inColourOf(service: string, text: string): string {
  return `\x1b[${COLOURS[hash(service) % COLOURS.length]}m${text}\x1b[0m`
}

/** The service that a printed line's prefix names: what is before `.SLOT[.TASK][@NODE]`. */
export function serviceOf(prefix: string): string {
  const name = prefix.slice(0, prefix.search(/@| *\| $/))
  return name.replace(/\.\d+(\.[a-z0-9]{12,25})?$/, '')
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = OFFSET_BASIS
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), PRIME)
  return value >>> 0
}
