/**
 * Most of an agent's memory is garbage that V8 has not collected yet, and room for more of it. With these it keeps 110 instead of
 * 240 MB at 5 k lines/s over 50 containers, for a third more CPU. V8 takes them at its start only: setFlagsFromString comes too late.
 */
const FLAGS = ['--max-semi-space-size=2', '--optimize-for-size']

/** Starts this program anew in the same process with a lean V8; does nothing when it is lean already, or where that cannot be done. */
export function becomeLean(): void {
  const { execArgv, execPath, argv } = process
  if (process.execve === undefined || FLAGS.every((flag) => execArgv.includes(flag))) return
  process.execve(execPath, [execPath, ...execArgv, ...FLAGS, ...argv.slice(1)])
}
