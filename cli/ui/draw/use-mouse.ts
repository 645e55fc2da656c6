import { useStdin } from 'ink'
import { useEffect } from 'react'
import { type Mouse, MouseReports } from '../mouse.ts'

/** Hears what the mouse does: Ink takes reports of it for no key, and drops them. Must come behind useInput, which begins to read. */
export function useMouse(point: (mouse: Mouse) => void): void {
  const { stdin } = useStdin()
  useEffect(() => {
    const reports = new MouseReports()
    const listen = (input: string | Buffer): void => reports.push(input.toString()).forEach(point)
    stdin.on('data', listen)
    return () => {
      stdin.off('data', listen)
    }
  }, [stdin, point])
}
