const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const HEIGHTS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** A bar as long as its value's part of the greatest; of something more than nothing there is something to see. */
export function bar(value: number, greatest: number, width: number): string {
  if (value <= 0 || greatest <= 0 || width <= 0) return ''
  const eighths = Math.max(1, Math.round((value / greatest) * width * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

/** One character for each value; a space for none. */
export function sparkline(values: readonly number[]): string {
  const greatest = Math.max(0, ...values)
  return values.map((value) => (value <= 0 ? ' ' : (HEIGHTS[Math.ceil((value / greatest) * 8) - 1] ?? ''))).join('')
}
