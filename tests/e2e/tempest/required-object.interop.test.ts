import { describeList } from "./interop.ts";

await describeList("what the guideline requires of object storage", "required-object.txt");
