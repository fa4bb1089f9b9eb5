import { describeList } from "./interop.ts";

await describeList("what the guideline requires of a compute cloud", "required-compute.txt");
