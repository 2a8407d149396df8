import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Fn, Op, propertyAccess, TerraformIterator, TerraformLocal, Token } from "cdktf";
import { Construct } from "constructs";
import type { AwsContext } from "../terraform/aws-context.ts";
import { orNull } from "../terraform/conditions.ts";
import { encodeJson } from "../terraform/json.ts";

/** Who is told, and through which topic. */
export interface NotificationsProps {
  /** Prefix of the topic's name and of the names of the alarms that publish to it. */
  readonly name: string;
  readonly aws: AwsContext;
  readonly emails: string[];
  /** Empty makes a topic. */
  readonly existingTopicArn: string;
  /** ARN of the key that encrypts the topic; empty for none. Its policy must let CloudWatch's alarms use it. */
  readonly kmsKeyArn: string;
}

/** The topic of messages for people: the user's own, or one of the deployment, to which addresses are subscribed. */
export class Notifications extends Construct {
  readonly topicArn: string;

  constructor(scope: Construct, id: string, { name, aws, emails, existingTopicArn, kmsKeyArn }: NotificationsProps) {
    super(scope, id);
    const count = Token.asNumber(Op.sub(1, Fn.lengthOf(Fn.compact([existingTopicArn]))));
    const topic = new SnsTopic(this, "topic", {
      name: `${name}-notifications`,
      count,
      kmsMasterKeyId: orNull(kmsKeyArn),
    });
    const madeArn = Fn.one(propertyAccess(topic.fqn, ["*", "arn"]));
    this.topicArn = new TerraformLocal(this, "topic_arn", Fn.coalesce([existingTopicArn, madeArn])).asString;
    new SnsTopicPolicy(this, "policy", {
      count,
      arn: this.topicArn,
      // The function that reports executions is of the same account, so its role's permission suffices.
      policy: encodeJson({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "AlarmsPublish",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: "sns:Publish",
            Resource: this.topicArn,
            Condition: {
              ArnLike: { "aws:SourceArn": aws.arn("cloudwatch", `alarm:${name}-*`) },
              StringEquals: { "aws:SourceAccount": aws.accountId },
            },
          },
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "sns:Publish",
            Resource: this.topicArn,
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
    });
    const addresses = TerraformIterator.fromList(emails);
    new SnsTopicSubscription(this, "email", {
      forEach: addresses,
      topicArn: this.topicArn,
      protocol: "email",
      endpoint: addresses.value,
    });
  }
}
