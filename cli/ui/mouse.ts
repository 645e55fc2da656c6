/** What a mouse does; columns and rows count from 0. */
export type Mouse =
  | { readonly kind: 'wheel'; readonly by: 1 | -1 }
  | { readonly kind: 'click'; readonly column: number; readonly row: number }
  /** What nothing is on: releases, other buttons. */
  | { readonly kind: 'other' }

const REPORT = /\x1b\[<(\d{1,3});(\d{1,5});(\d{1,5})([Mm])/g
/** A report whose end is still to come. */
const BEGUN = /\x1b(?:\[(?:<[\d;]{0,15})?)?$/
const LEFT = 0
const WHEEL_UP = 64
const WHEEL_DOWN = 65

/** Has a terminal report buttons and the wheel (1000), in the form that knows no widest screen (1006). */
export const MOUSE_ON = '\x1b[?1000h\x1b[?1006h'
export const MOUSE_OFF = '\x1b[?1006l\x1b[?1000l'

/** Reads what a terminal reports of its mouse among its input, which may be cut anywhere. */
export class MouseReports {
  #begun = ''

  push(input: string): Mouse[] {
    const text = this.#begun + input
    this.#begun = BEGUN.exec(text)?.[0] ?? ''
    return [...text.matchAll(REPORT)].map(([, button, column, row, end]) =>
      mouseOf(Number(button), Number(column) - 1, Number(row) - 1, end === 'm'),
    )
  }
}

function mouseOf(button: number, column: number, row: number, isRelease: boolean): Mouse {
  if (button === WHEEL_UP) return { kind: 'wheel', by: -1 }
  if (button === WHEEL_DOWN) return { kind: 'wheel', by: 1 }
  return button === LEFT && !isRelease ? { kind: 'click', column, row } : { kind: 'other' }
}
