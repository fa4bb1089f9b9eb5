import { describeList } from "./interop.ts";

await describeList("a spread of the guideline's required tests", "spread.txt");
