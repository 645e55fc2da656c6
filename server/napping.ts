/**
 * Yields what `begin` yields. When nobody has asked for more for `idleMs` it ends what it began, so that nothing is held for a reader that
 * does not read; when somebody asks again it begins anew: `begin` must go on behind what was yielded.
 */
export async function* napping<T>(begin: () => AsyncGenerator<T>, idleMs: number): AsyncGenerator<T> {
  let running: AsyncGenerator<T> | undefined
  let timer: NodeJS.Timeout | undefined
  const nap = (): void => {
    void running?.return(undefined)
    running = undefined
  }
  try {
    while (true) {
      running ??= begin()
      const next = await running.next()
      if (next.done) return
      timer = setTimeout(nap, idleMs)
      yield next.value
      clearTimeout(timer)
    }
  } finally {
    clearTimeout(timer)
    await running?.return(undefined)
  }
}
