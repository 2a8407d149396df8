import { MINISTACK_VERSION, startMiniStack } from "../aws/ministack.ts";
import { OpenSearchNode, prepareOpenSearch } from "../opensearch/node.ts";
import { OPENSEARCH_VERSION } from "../opensearch/recipe.ts";
import { pythonEnvironment } from "../python/environment.ts";
import type { Runtime, RuntimeOptions, StartedRuntime } from "./runtime.ts";
import { prepareTrainingEnvironment } from "./service-stubs.ts";
import { type Place, startAt } from "./start.ts";

/** MiniStack and OpenSearch as processes of this machine: no Docker, no account. */
export class EmbeddedRuntime implements Runtime {
  readonly name = "embedded";

  async start(options: RuntimeOptions): Promise<StartedRuntime> {
    const { onProgress, teardown } = options;
    onProgress("preparing Python, models and OpenSearch (from the cache when they are there)");
    const [emulator, training] = await Promise.all([
      pythonEnvironment("ministack"),
      prepareTrainingEnvironment(onProgress),
      prepareOpenSearch(),
    ]);
    const place = {
      description: `MiniStack ${MINISTACK_VERSION} and OpenSearch ${OPENSEARCH_VERSION} as processes`,
      address: "127.0.0.1",
      reachable: async (url: string) => url,
      startOpenSearch: async (security, workDirectory) => {
        const node = new OpenSearchNode().withSecurity(security).withWorkDirectory(workDirectory);
        const started = await node.start();
        teardown.add(() => started.stop());
        return started;
      },
      startAws: async (settings, workDirectory) => {
        const started = await startMiniStack({ ...settings, python: emulator.python, workDirectory });
        teardown.add(() => started.stop());
        return started;
      },
    } satisfies Place;
    return startAt(place, training, options);
  }
}
