import { eventually } from '../../lab/program.ts'
import type { SwarmFault } from '../rig/swarm-drive.ts'

const GRACE = ['--stop-grace-period', '20s']

/** What happens to services. */
export const services: readonly SwarmFault[] = [
  {
    name: 'W12',
    title: 'rolling update and rollback under load',
    isShort: true,
    service: { replicas: 4, flags: [...GRACE, '--update-delay', '0s', '--update-parallelism', '2'] },
    async run(scene) {
      const { stage, printer } = scene
      const { name } = printer
      const updated = async (state: string) => {
        const ask = ['service', 'inspect', '--format', '{{.UpdateStatus.State}}', name]
        await eventually(`the state ${state}`, 120_000, async () => (await stage.docker(ask)).trim() === state)
      }
      await stage.docker(['service', 'update', '--detach', '--env-add', 'V=2', name])
      await updated('completed')
      await scene.flow(20)
      await stage.docker(['service', 'update', '--detach', '--rollback', name])
      await updated('rollback_completed')
      scene.over()
      await scene.flow(20)
    },
  },
  {
    name: 'W13',
    title: 'scale from 1 to 20 to 0',
    isShort: true,
    service: { replicas: 1, flags: GRACE },
    endsPrinting: true,
    async run(scene) {
      const { stage, printer } = scene
      await stage.docker(['service', 'scale', '--detach', `${printer.name}=20`])
      await eventually('20 tasks', 120_000, async () => printer.tasks.length >= 20)
      await stage.docker(['service', 'scale', '--detach', `${printer.name}=0`])
      scene.over()
      await eventually(
        'no tasks',
        240_000,
        async () => (await printer.running()).length === 0,
        async () => `\n${await stage.docker(['service', 'ps', printer.name])}\n${await stage.swarm.report()}`,
      )
    },
  },
  {
    name: 'W14',
    title: 'crash loop with history limit 0: every line of 30 or 200 tasks',
    isShort: true,
    // Fewer tasks are kept of all services then.
    service: 'later',
    endsPrinting: true,
    async run(scene) {
      const { stage, printer } = scene
      const tasks = stage.isLong ? 200 : 30
      await stage.docker(['swarm', 'update', '--task-history-limit', '0'])
      try {
        const flags = ['--restart-condition', 'any', '--restart-max-attempts', String(tasks / 10 - 1)]
        await printer.start({ replicas: 10, lines: 3, exitCode: 1, flags })
        await eventually(`${tasks} tasks`, tasks * 10_000, async () => printer.tasks.length >= tasks)
      } finally {
        await stage.docker(['swarm', 'update', '--task-history-limit', '5'])
      }
    },
  },
]
