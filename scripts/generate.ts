import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { propsSource, TABLE_BEGIN, withParameterTable } from "../modules/parameters/document.ts";

const PROPS = new URL("../modules/parameters/fine-tuning-pipeline-props.ts", import.meta.url);
const README = new URL("../README.md", import.meta.url);

writeFileSync(PROPS, propsSource());
const readme = existsSync(README) ? readFileSync(README, "utf8") : "";
if (readme.includes(TABLE_BEGIN)) writeFileSync(README, withParameterTable(readme));
