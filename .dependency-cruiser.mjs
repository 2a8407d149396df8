/**
 * The arrows between the repository's folders. `npm run lint` holds them.
 *
 * `tsPreCompilationDeps` makes imports of types count: they tie two rooms to each other as well.
 */

/** What each room may import besides itself: a room, or a folder of one. What is not listed is refused. */
const LAYERS = {
  pipeline: [],
  lambdas: ["pipeline"],
  modules: ["pipeline"],
  emulation: ["pipeline"],
  e2e: ["emulation", "pipeline"],
  bench: ["emulation", "pipeline", "lambdas", "modules"],
  scripts: ["modules", "pipeline", "emulation/python"],
};

const ROOMS = Object.keys(LAYERS);

const layers = Object.entries(LAYERS).map(([room, below]) => ({
  name: `layers-${room}`,
  comment: `${room}/ imports from ${below.length === 0 ? "no other room" : below.map((one) => `${one}/`).join(", ")} only`,
  severity: "error",
  from: { path: `^${room}/` },
  to: { path: `^(${ROOMS.join("|")})/`, pathNot: `^(${[room, ...below].join("|")})/` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...layers,
    {
      name: "no-circular",
      comment: "files that import each other, types included, cannot be read one after the other",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-app-import",
      comment: "main.ts is an entry point: it imports, nobody imports it",
      severity: "error",
      from: {},
      to: { path: "^main\\.ts$" },
    },
    {
      name: "tests-import-tests",
      comment: "what a test needs belongs into test/, what others need does not",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    {
      name: "lambda-on-its-own",
      comment: "a function imports its own folder and lambdas/shared only: it is bundled and deployed on its own",
      severity: "error",
      from: { path: "^lambdas/(?!shared/)([^/]+)/" },
      to: { path: "^lambdas/", pathNot: "^lambdas/(shared|$1)/" },
    },
    {
      name: "lambda-shared",
      comment: "lambdas/shared knows no function",
      severity: "error",
      from: { path: "^lambdas/shared/" },
      to: { path: "^lambdas/", pathNot: "^lambdas/shared/" },
    },
    {
      name: "no-cdktf-at-run-time",
      comment: "what runs in Lambda, what is pure and what emulates the cloud builds no infrastructure",
      severity: "error",
      from: { path: "^(lambdas|pipeline|emulation)/" },
      to: { path: "node_modules/(cdktf|constructs|@cdktf)/" },
    },
    {
      name: "pipeline-is-pure",
      comment: "pipeline/ is data and types: no I/O, no AWS",
      severity: "error",
      from: { path: "^pipeline/" },
      to: { pathNot: ["^pipeline/", "node_modules/zod/"] },
    },
    {
      name: "resolvable",
      comment: "an import that leads nowhere would be seen by no other rule",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    moduleSystems: ["es6"],
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
