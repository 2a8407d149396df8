import {
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointConfigCommand,
  ListEndpointConfigsCommand,
  SageMakerClient,
  SageMakerServiceException,
} from "@aws-sdk/client-sagemaker";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { deleteSuperseded } from "../../../lambdas/delete-superseded-models/superseded.ts";

const sageMaker = mockClient(SageMakerClient);
const listed = (name: string, minute: number) => ({
  EndpointConfigName: name,
  EndpointConfigArn: `arn:${name}`,
  CreationTime: new Date(60_000 * minute),
});
const refusal = (name: string, message: string) =>
  new SageMakerServiceException({ name, $fault: "client", $metadata: {}, message });
const superseded = (previous: string) =>
  deleteSuperseded(new SageMakerClient({ region: "us-east-1" }), "shop", previous);

describe("deleting what earlier executions left", () => {
  beforeEach(() => {
    sageMaker.reset();
    sageMaker
      .on(ListEndpointConfigsCommand)
      .resolvesOnce({
        EndpointConfigs: [
          listed("shop-config-00000001", 1),
          listed("shop-config-00000002", 2),
          listed("bookshop-config-00000001", 1),
          listed("shop-config-of-mine", 1),
        ],
        NextToken: "more",
      })
      .resolvesOnce({
        EndpointConfigs: [
          listed("shop-config-00000003", 3),
          listed("shop-config-00000004", 4),
          listed("shop-config-00000005", 5),
        ],
      });
    sageMaker.on(DescribeEndpointConfigCommand).callsFake(({ EndpointConfigName }: { EndpointConfigName: string }) => ({
      ProductionVariants: [{ ModelName: EndpointConfigName.replace("config", "model") }],
    }));
    sageMaker.on(DeleteModelCommand).resolves({});
    sageMaker.on(DeleteEndpointConfigCommand).resolves({});
  });
  const deletedModels = () => sageMaker.commandCalls(DeleteModelCommand).map(({ args }) => args[0].input.ModelName);
  const deletedConfigs = () =>
    sageMaker.commandCalls(DeleteEndpointConfigCommand).map(({ args }) => args[0].input.EndpointConfigName);

  it("keeps the one before, and whatever is younger: it is served or about to be", async () => {
    const names = ["shop-config-00000001", "shop-config-00000002"];
    await expect(superseded("shop-config-00000003")).resolves.toEqual(names);
    expect(deletedConfigs()).toEqual(names);
    expect(deletedModels()).toEqual(["shop-model-00000001", "shop-model-00000002"]);
  });

  it("leaves alone what another deployment or a person made", async () => {
    await superseded("shop-config-00000005");
    expect(deletedConfigs()).toHaveLength(4);
    expect(deletedConfigs()).not.toContain("bookshop-config-00000001");
    expect(deletedConfigs()).not.toContain("shop-config-of-mine");
  });

  it("deletes nothing when the one before is not there any more", async () => {
    await expect(superseded("shop-config-00000009")).resolves.toEqual([]);
    expect(deletedConfigs()).toEqual([]);
  });

  it("goes on where it was interrupted: a model may be gone already", async () => {
    const gone = refusal("ValidationException", 'Could not find model "arn:aws:sagemaker:us-east-1:1:model/a".');
    sageMaker.on(DeleteModelCommand).rejectsOnce(gone).resolves({});
    await expect(superseded("shop-config-00000003")).resolves.toHaveLength(2);
  });

  it("keeps a configuration whose model cannot be deleted, and says why", async () => {
    sageMaker
      .on(DeleteModelCommand)
      .rejects(refusal("AccessDeniedException", "not authorized to perform: sagemaker:DeleteModel"));
    await expect(superseded("shop-config-00000003")).rejects.toThrow("sagemaker:DeleteModel");
    expect(deletedConfigs()).toEqual([]);
  });
});
