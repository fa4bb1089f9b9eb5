/** The layers of CONTRIBUTING.md, as rules. tools/check-layers.ts plants one violation of each and requires it to be found. */
const services = "^apps/control-plane/src/services/";
const core = "^apps/control-plane/src/(http|reconcile|db|registry|events|keys|agents)/";
const tests = "\\.test\\.ts$|^apps/[^/]+/src/testing/";

export default {
  forbidden: [
    {
      name: "core-knows-no-service",
      comment: "http, reconcile, db, registry, events, keys and agents serve every service and import none",
      severity: "error",
      from: { path: core, pathNot: tests },
      to: { path: services },
    },
    {
      name: "services-meet-through-public",
      comment: "a service imports another only through its public.ts",
      severity: "error",
      from: { path: `${services}([^/]+)/`, pathNot: tests },
      to: { path: services, pathNot: [`${services}$1/`, `${services}[^/]+/public\\.ts$`] },
    },
    {
      name: "front-without-sql",
      comment: "routes, handlers, schemas and views never reach for queries or the database",
      severity: "error",
      from: { path: `${services}.*(routes|\\.handlers|\\.schema|\\.view)\\.ts$` },
      to: { path: "(\\.queries\\.ts$|^apps/control-plane/src/db/|^libs/platform/src/db/)" },
    },
    {
      name: "pure-means-pure",
      comment: "models, plans, schemas and views touch nothing outside themselves",
      severity: "error",
      from: { path: `${services}.*\\.(model|plan|schema|view)\\.ts$` },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "apps-never-import-apps",
      comment: "programs meet over their APIs; only tests may start the simulated agent in their own process",
      severity: "error",
      from: { path: "^apps/([^/]+)/", pathNot: tests },
      to: { path: "^apps/", pathNot: "^apps/$1/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "\\.gen\\.ts$" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node"] },
  },
};
