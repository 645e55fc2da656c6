import type { IForbiddenRuleType } from 'dependency-cruiser'

const PARTS = ['agent', 'server', 'cli']

/** Who may import whom. */
export const rules: IForbiddenRuleType[] = [
  ...PARTS.map((part) => ({
    name: `${part}-imports-shared-alone`,
    severity: 'error' as const,
    from: {
      path: `^${part}/`,
      pathNot:
        '^cli/commands/(agent|archive/[a-z]+|direct|doctor|export|import|incident|observer|replay|serve|server|store|up|healthcheck)\\.ts$',
    },
    to: { path: `^(${PARTS.filter((other) => other !== part).join('|')})/` },
  })),
  {
    name: 'commands-start-the-others-lazily',
    severity: 'error',
    from: { path: '^cli/commands/' },
    to: { path: '^(agent|server)/', dynamic: false, dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'shared-imports-nothing-of-ours',
    severity: 'error',
    from: { path: '^shared/' },
    to: { path: `^(${PARTS.join('|')})/` },
  },
  {
    name: 'sources-import-no-tests',
    severity: 'error',
    from: { path: `^(${PARTS.join('|')}|shared)/` },
    to: { path: '^test/' },
  },
  ...['embedded', 'elasticsearch'].map((store) => ({
    name: `only-open-names-the-${store}-store`,
    severity: 'error' as const,
    from: { path: '^(agent|server|cli|shared)/', pathNot: `^server/store/(open\\.ts|${store}/)` },
    to: { path: `^server/store/${store}/` },
  })),
  {
    name: 'duckdb-stays-in-its-store',
    severity: 'error',
    from: { path: '^(agent|server|cli|shared)/', pathNot: '^server/store/embedded/' },
    to: { path: 'node_modules/@duckdb/' },
  },
  {
    name: 'the-client-of-elasticsearch-stays-in-its-store',
    severity: 'error',
    from: { path: '^(agent|server|cli|shared)/', pathNot: '^server/store/elasticsearch/' },
    to: { path: 'node_modules/@elastic/' },
  },
  {
    name: 'the-client-of-s3-stays-in-its-shelf',
    severity: 'error',
    from: { path: '^(agent|server|cli|shared)/', pathNot: '^server/archive/s3' },
    to: { path: 'node_modules/@aws-sdk/' },
  },
  {
    name: 'dockerode-stays-with-discover-and-tail',
    severity: 'error',
    from: { path: '^(agent|server|cli|shared)/', pathNot: '^agent/(discover|tail)' },
    to: { path: 'node_modules/(@types/)?dockerode/', dependencyTypesNot: ['type-only'] },
  },
]
