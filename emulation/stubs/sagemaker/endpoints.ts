import { z } from "zod";
import { epochSeconds, type JsonOperations } from "../wire/protocols.ts";
import { ServiceError, validationException } from "../wire/service-error.ts";
import { matching, parseInput } from "../wire/validation.ts";
import { Endpoint, type ResolvedEndpointConfig } from "./endpoint.ts";
import {
  CreateEndpointConfigInput,
  CreateEndpointInput,
  CreateModelInput,
  EndpointConfigNameInput,
  EndpointNameInput,
  ModelNameInput,
  UpdateEndpointInput,
} from "./inputs.ts";
import type { ResourceTags } from "./resource-tags.ts";
import type { ScalableTargets } from "./scalable-targets.ts";
import { type StubContext, sageMakerArn } from "./stub-context.ts";

interface Stored<T> {
  readonly input: T;
  readonly arn: string;
  readonly created: Date;
}

const ListInput = z.object({ NameContains: matching(/[a-zA-Z0-9-]+/, { max: 63 }).optional() });
const ListEndpointsInput = ListInput.extend({ StatusEquals: z.string().optional() });

/** The models, endpoint configurations and endpoints of the account. */
export class Endpoints {
  readonly #context: StubContext;
  readonly #tags: ResourceTags;
  readonly #scalableTargets: ScalableTargets;
  readonly #models = new Map<string, Stored<CreateModelInput>>();
  readonly #configs = new Map<string, Stored<CreateEndpointConfigInput>>();
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(context: StubContext, tags: ResourceTags, scalableTargets: ScalableTargets) {
    this.#context = context;
    this.#tags = tags;
    this.#scalableTargets = scalableTargets;
  }

  readonly operations: JsonOperations = {
    CreateModel: (raw) => {
      const input = parseInput(CreateModelInput, raw);
      const arn = this.#store(this.#models, "model", "model", input.ModelName, input);
      this.#tags.add(arn, input.Tags ?? []);
      return { ModelArn: arn };
    },
    DescribeModel: (raw) => {
      const { ModelName } = parseInput(ModelNameInput, raw);
      const { input, arn, created } = this.#find(this.#models, "model", "model", ModelName);
      const { Tags, ...described } = input;
      return { EnableNetworkIsolation: false, ...described, ModelArn: arn, CreationTime: epochSeconds(created) };
    },
    ListModels: (raw) => {
      const { NameContains } = parseInput(ListInput, raw);
      const found = [...this.#models].filter(([name]) => name.includes(NameContains ?? ""));
      return {
        Models: found.map(([ModelName, { arn, created }]) => ({
          ModelName,
          ModelArn: arn,
          CreationTime: epochSeconds(created),
        })),
      };
    },
    DeleteModel: (raw) => {
      const { ModelName } = parseInput(ModelNameInput, raw);
      this.#find(this.#models, "model", "model", ModelName);
      this.#models.delete(ModelName);
      return {};
    },
    CreateEndpointConfig: (raw) => {
      const input = parseInput(CreateEndpointConfigInput, raw);
      for (const { ModelName } of input.ProductionVariants) this.#find(this.#models, "model", "model", ModelName);
      const arn = this.#store(
        this.#configs,
        "endpoint-config",
        "endpoint configuration",
        input.EndpointConfigName,
        input,
      );
      this.#tags.add(arn, input.Tags ?? []);
      return { EndpointConfigArn: arn };
    },
    DescribeEndpointConfig: (raw) => {
      const { input, arn, created } = this.#findConfig(parseInput(EndpointConfigNameInput, raw).EndpointConfigName);
      const { Tags, ...described } = input;
      return { ...described, EndpointConfigArn: arn, CreationTime: epochSeconds(created) };
    },
    DeleteEndpointConfig: (raw) => {
      const { EndpointConfigName } = parseInput(EndpointConfigNameInput, raw);
      this.#findConfig(EndpointConfigName);
      this.#configs.delete(EndpointConfigName);
      return {};
    },
    ListEndpointConfigs: (raw) => {
      const { NameContains } = parseInput(ListInput, raw);
      const found = [...this.#configs].filter(([name]) => name.includes(NameContains ?? ""));
      return {
        EndpointConfigs: found.map(([EndpointConfigName, { arn, created }]) => ({
          EndpointConfigName,
          EndpointConfigArn: arn,
          CreationTime: epochSeconds(created),
        })),
      };
    },
    CreateEndpoint: (raw) => {
      const input = parseInput(CreateEndpointInput, raw);
      const existing = this.#endpoints.get(input.EndpointName);
      if (existing !== undefined)
        throw validationException(`Cannot create already existing endpoint "${existing.arn}".`);
      const endpoint = new Endpoint(input.EndpointName, this.#resolve(input.EndpointConfigName), this.#context);
      this.#endpoints.set(input.EndpointName, endpoint);
      this.#tags.add(endpoint.arn, input.Tags ?? []);
      return { EndpointArn: endpoint.arn };
    },
    UpdateEndpoint: (raw) => {
      const input = parseInput(UpdateEndpointInput, raw);
      const endpoint = this.#findEndpoint(input.EndpointName);
      const resolved = this.#resolve(input.EndpointConfigName);
      for (const { VariantName, InstanceType } of resolved.config.ProductionVariants) {
        const served = endpoint.variants.find((variant) => variant.VariantName === VariantName);
        const scales = this.#scalableTargets.has(endpoint.name, VariantName);
        if (scales && served !== undefined && served.InstanceType !== InstanceType) {
          throw validationException(
            `The variant(s) "["${VariantName}"]" must be deregistered as scalable targets with AWS Auto Scaling before they can be removed or have their instance type updated.`,
          );
        }
      }
      endpoint.update(resolved);
      return { EndpointArn: endpoint.arn };
    },
    DescribeEndpoint: (raw) => this.#findEndpoint(parseInput(EndpointNameInput, raw).EndpointName).describe(),
    DeleteEndpoint: (raw) => {
      const endpoint = this.#findEndpoint(parseInput(EndpointNameInput, raw).EndpointName);
      this.#scalableTargets.forget(endpoint.name);
      void endpoint.delete().then(() => this.#endpoints.delete(endpoint.name));
      return {};
    },
    ListEndpoints: (raw) => {
      const { NameContains, StatusEquals } = parseInput(ListEndpointsInput, raw);
      const found = [...this.#endpoints.values()]
        .filter(({ name }) => name.includes(NameContains ?? ""))
        .filter(({ status }) => StatusEquals === undefined || status === StatusEquals);
      return { Endpoints: found.map((endpoint) => endpoint.summary()) };
    },
  };

  /** The endpoint that a runtime request names. @throws ServiceError `ValidationError`, as the runtime calls it. */
  invoked(name: string): Endpoint {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) {
      throw new ServiceError("ValidationError", `Endpoint ${name} of account ${this.#context.accountId} not found.`);
    }
    return endpoint;
  }

  /** Names of the variants that an endpoint serves; undefined when there is no such endpoint. */
  variantNames(name: string): readonly string[] | undefined {
    return this.#endpoints.get(name)?.variants.map(({ VariantName }) => VariantName);
  }

  /** Ends every model server. */
  async stop(): Promise<void> {
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.delete()));
  }

  #store<T>(stored: Map<string, Stored<T>>, kind: string, called: string, name: string, input: T): string {
    const arn = sageMakerArn(this.#context, kind, name);
    if (stored.has(name)) throw validationException(`Cannot create already existing ${called} "${arn}".`);
    stored.set(name, { input, arn, created: new Date() });
    return arn;
  }

  #find<T>(stored: ReadonlyMap<string, Stored<T>>, kind: string, called: string, name: string): Stored<T> {
    const found = stored.get(name);
    if (found === undefined) {
      throw validationException(`Could not find ${called} "${sageMakerArn(this.#context, kind, name)}".`);
    }
    return found;
  }

  #findConfig(name: string): Stored<CreateEndpointConfigInput> {
    return this.#find(this.#configs, "endpoint-config", "endpoint configuration", name);
  }

  #findEndpoint(name: string): Endpoint {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) {
      throw validationException(`Could not find endpoint "${sageMakerArn(this.#context, "endpoint", name)}".`);
    }
    return endpoint;
  }

  #resolve(configName: string): ResolvedEndpointConfig {
    const config = this.#findConfig(configName).input;
    const models = new Map(
      config.ProductionVariants.map(({ ModelName }) => [
        ModelName,
        this.#find(this.#models, "model", "model", ModelName).input,
      ]),
    );
    return { config, models };
  }
}
