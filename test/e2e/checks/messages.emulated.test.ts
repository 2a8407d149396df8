import { CreateTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { subscribe, verifyMessages } from "../../../e2e/checks/messages.ts";
import type { EmulatedAws } from "../../emulation/aws/emulated-aws.ts";
import { type Emulator, emulators } from "../../emulation/aws/emulators.ts";

const REPORT = {
  Subject: "Fine-tuning of products finished: registered",
  Message: 'The fine-tuning of products finished.\n\nA "gain" of 0.047.\n\nExecution monday, 3 s:\nhttps://console',
};

describe.each<Emulator>(emulators)("$name", ({ available, unavailableBecause, start }) => {
  describe.skipIf(!available)(available ? "messages" : `left out: ${unavailableBecause}`, () => {
    let aws: EmulatedAws;
    let sns: SNSClient;

    beforeAll(async () => {
      aws = await start({});
      sns = new SNSClient({ region: "us-east-1", endpoint: aws.endpoint, credentials: aws.credentials });
    }, 120_000);
    afterAll(async () => {
      sns?.destroy();
      await aws?.stop();
    });

    it("are read by whoever subscribes to the topic", async () => {
      const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "messages" }));
      await subscribe(aws.lambda, sns, TopicArn);
      await sns.send(new PublishCommand({ TopicArn, ...REPORT }));
      const verified = await verifyMessages(aws.logs, [
        { execution: "monday", subject: REPORT.Subject, text: ['A "gain" of 0.047.'] },
      ]);
      expect(verified).toEqual([expect.objectContaining({ outcome: "passed", detail: `"${REPORT.Subject}"` })]);

      const [wanting] = await verifyMessages(aws.logs, [
        { execution: "monday", subject: REPORT.Subject, text: ["a loss"] },
      ]);
      expect(wanting).toMatchObject({ outcome: "failed", detail: `"${REPORT.Subject}", without: a loss` });
    }, 60_000);

    it("that did not arrive are missed", async () => {
      const [absent] = await verifyMessages(aws.logs, [{ execution: "tuesday", subject: REPORT.Subject, text: [] }], 0);
      expect(absent).toMatchObject({ outcome: "failed", detail: "no message arrived" });
    });
  });
});
