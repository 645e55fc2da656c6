import type { Target } from '../../agent/target.ts'

/** A running container that nothing is special about. */
export function targetOf(change: Partial<Target> = {}): Target {
  return {
    id: 'c0ffee',
    name: 'app',
    labels: {},
    image: 'lab/app:1',
    imageId: 'sha256:1',
    tty: false,
    running: true,
    started: true,
    fresh: false,
    stopSignal: '',
    born: 0n,
    startedAt: 0n,
    endedAt: 0n,
    driver: 'json-file',
    driverOptions: {},
    ...change,
  }
}
