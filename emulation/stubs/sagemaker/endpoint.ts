import { epochSeconds } from "../wire/protocols.ts";
import { ServiceError, validationException } from "../wire/service-error.ts";
import type { CreateEndpointConfigInput, CreateModelInput, ProductionVariant } from "./inputs.ts";
import { ModelServer } from "./model-server.ts";
import { type StubContext, sageMakerArn } from "./stub-context.ts";

export type EndpointStatus = "Creating" | "Updating" | "InService" | "Failed" | "Deleting";

/** An endpoint configuration with the models that its variants name. */
export interface ResolvedEndpointConfig {
  readonly config: CreateEndpointConfigInput;
  readonly models: ReadonlyMap<string, CreateModelInput>;
}

interface Deployment {
  readonly config: CreateEndpointConfigInput;
  readonly servers: readonly {
    readonly variant: ProductionVariant;
    readonly server: ModelServer;
    readonly image: string;
  }[];
}

/** One real-time endpoint. */
export class Endpoint {
  readonly name: string;
  readonly arn: string;
  readonly created = new Date();
  readonly #context: StubContext;
  #modified = new Date();
  #status: EndpointStatus = "Creating";
  #failureReason: string | undefined;
  #configName: string;
  #serving: Deployment | undefined;
  #deployments = 0;
  #deploying: Promise<void> = Promise.resolve();
  readonly #servers = new Set<ModelServer>();

  constructor(name: string, resolved: ResolvedEndpointConfig, context: StubContext) {
    this.name = name;
    this.#context = context;
    this.#configName = resolved.config.EndpointConfigName;
    this.arn = sageMakerArn(context, "endpoint", name);
    this.#deploying = this.#deploy(resolved);
  }

  get status(): EndpointStatus {
    return this.#status;
  }

  /** What is served. */
  get variants(): readonly ProductionVariant[] {
    return this.#serving?.servers.map(({ variant }) => variant) ?? [];
  }

  /** Replaces what is served; the old variants serve until the new ones answer. @throws ServiceError while another change is under way. */
  update(resolved: ResolvedEndpointConfig): void {
    if (this.#status !== "InService") {
      throw validationException(
        this.#status === "Failed"
          ? `Cannot update failed endpoint "${this.arn}".`
          : `Cannot update in-progress endpoint "${this.arn}".`,
      );
    }
    this.#setStatus("Updating");
    this.#deploying = this.#deploy(resolved);
  }

  /** The variant that answers a request. @throws ServiceError `ValidationError` when nothing is served. */
  route(targetVariant: string | undefined): { variantName: string; server: ModelServer } {
    const serving = this.#serving;
    if (serving === undefined) {
      throw new ServiceError(
        "ValidationError",
        `Endpoint ${this.name} of account ${this.#context.accountId} not found.`,
      );
    }
    const chosen =
      targetVariant === undefined
        ? weightedChoice(serving.servers, ({ variant }) => variant.InitialVariantWeight ?? 1)
        : serving.servers.find(({ variant }) => variant.VariantName === targetVariant);
    if (chosen === undefined) {
      throw new ServiceError("ValidationError", `Variant ${targetVariant} not found for endpoint ${this.name}.`);
    }
    return { variantName: chosen.variant.VariantName, server: chosen.server };
  }

  /** The output of DescribeEndpoint. */
  describe(): Record<string, unknown> {
    return {
      EndpointName: this.name,
      EndpointArn: this.arn,
      EndpointConfigName: this.#configName,
      EndpointStatus: this.#status,
      CreationTime: epochSeconds(this.created),
      LastModifiedTime: epochSeconds(this.#modified),
      ...(this.#failureReason === undefined ? {} : { FailureReason: this.#failureReason }),
      ...(this.#serving === undefined ? {} : { ProductionVariants: this.#serving.servers.map(variantSummary) }),
    };
  }

  /** The endpoint's entry in ListEndpoints. */
  summary(): Record<string, unknown> {
    return {
      EndpointName: this.name,
      EndpointArn: this.arn,
      EndpointStatus: this.#status,
      CreationTime: epochSeconds(this.created),
      LastModifiedTime: epochSeconds(this.#modified),
    };
  }

  /** Ends every process of the endpoint. */
  async delete(): Promise<void> {
    this.#setStatus("Deleting");
    this.#serving = undefined;
    await Promise.all([...this.#servers].map((server) => server.stop()));
    await this.#deploying;
    await Promise.all([...this.#servers].map((server) => server.stop()));
  }

  async #deploy({ config, models }: ResolvedEndpointConfig): Promise<void> {
    this.#deployments += 1;
    this.#failureReason = undefined;
    const deployment = this.#deployments;
    const servers = config.ProductionVariants.map((variant) => {
      const model = models.get(variant.ModelName);
      if (model === undefined) throw validationException(`Could not find model "${variant.ModelName}".`);
      const server = new ModelServer({
        context: this.#context,
        endpointName: this.name,
        variantName: variant.VariantName,
        deployment,
        model,
        startupTimeoutSeconds: variant.ContainerStartupHealthCheckTimeoutInSeconds,
      });
      return { variant, server, image: (model.PrimaryContainer ?? model.Containers?.[0])?.Image ?? "" };
    });
    const previous = this.#serving;
    try {
      for (const { server } of servers) {
        this.#servers.add(server);
        this.#context.onProgress(`endpoint ${this.name} starts (log: ${server.logFile})`);
        await server.start();
      }
      if (this.#status === "Deleting") return;
      this.#serving = { config, servers };
      this.#configName = config.EndpointConfigName;
      this.#setStatus("InService");
      await this.#retire(previous);
    } catch (error) {
      await this.#retire({ config, servers });
      if (this.#status === "Deleting") return;
      this.#failureReason = (error as Error).message.slice(0, 1024);
      // A failed update is rolled back: the old configuration stays in service, and only FailureReason tells.
      this.#setStatus(previous === undefined ? "Failed" : "InService");
    }
    this.#context.onProgress(
      `endpoint ${this.name} ${this.#status}${this.#failureReason === undefined ? "" : `: ${this.#failureReason}`}`,
    );
  }

  async #retire(deployment: Deployment | undefined): Promise<void> {
    for (const { server } of deployment?.servers ?? []) {
      await server.stop();
      this.#servers.delete(server);
    }
  }

  #setStatus(status: EndpointStatus): void {
    this.#status = status;
    this.#modified = new Date();
  }
}

function variantSummary({ variant, image }: Deployment["servers"][number]): Record<string, unknown> {
  const weight = variant.InitialVariantWeight ?? 1;
  const instances = variant.InitialInstanceCount ?? 0;
  return {
    VariantName: variant.VariantName,
    DeployedImages: [{ SpecifiedImage: image, ResolvedImage: image }],
    CurrentWeight: weight,
    DesiredWeight: weight,
    CurrentInstanceCount: instances,
    DesiredInstanceCount: instances,
  };
}

function weightedChoice<T>(items: readonly T[], weight: (item: T) => number): T | undefined {
  let rest = Math.random() * items.reduce((sum, item) => sum + weight(item), 0);
  return items.find((item) => {
    rest -= weight(item);
    return rest < 0;
  });
}
