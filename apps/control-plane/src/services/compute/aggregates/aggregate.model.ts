/** Operators' sets of hosts: for zones, and for flavors that ask for hosts of a kind. Pure. */

export type Aggregate = {
  id: number;
  uuid: string;
  name: string;
  availabilityZone: string | null;
  /** Without the zone, which has a column of its own. */
  metadata: { [key: string]: string };
  hosts: string[];
  createdAt: Date;
  updatedAt: Date | null;
};

/** Where hosts are that no aggregate puts anywhere. */
export const DEFAULT_ZONE = "nova";

const SCOPE = "aggregate_instance_extra_specs:";

/** What a flavor asks of a host's aggregates: key -> requirement. */
export const aggregateSpecsOf = (extraSpecs: { [key: string]: string }): [key: string, requirement: string][] =>
  Object.entries(extraSpecs).flatMap(([key, value]) =>
    key.startsWith(SCOPE) ? [[key.slice(SCOPE.length), value] as [string, string]] : [],
  );

/** A host suits when for each key one of its aggregates has a value that meets the requirement. */
export const meetsSpecs = (
  metadata: readonly { [key: string]: string }[],
  specs: readonly [key: string, requirement: string][],
): boolean =>
  specs.every(([key, requirement]) =>
    metadata.some((one) => one[key]?.split(",").some((value) => meetsRequirement(value.trim(), requirement)) === true),
  );

const NUMERIC: { readonly [operator: string]: (value: number, wanted: number) => boolean } = {
  // "=" is "at least", as it always was
  "=": (value, wanted) => value >= wanted,
  "==": (value, wanted) => value === wanted,
  "!=": (value, wanted) => value !== wanted,
  ">=": (value, wanted) => value >= wanted,
  "<=": (value, wanted) => value <= wanted,
};
const TEXTUAL: { readonly [operator: string]: (value: string, wanted: string) => boolean } = {
  "s==": (value, wanted) => value === wanted,
  "s!=": (value, wanted) => value !== wanted,
  "s<": (value, wanted) => value < wanted,
  "s<=": (value, wanted) => value <= wanted,
  "s>": (value, wanted) => value > wanted,
  "s>=": (value, wanted) => value >= wanted,
  "<in>": (value, wanted) => value.includes(wanted),
};

/** `<operator> <operand>`, or a plain value (Nova's scheduler guide, "AggregateInstanceExtraSpecsFilter"). */
export function meetsRequirement(value: string, requirement: string): boolean {
  const [operator = "", ...operands] = requirement.trim().split(/\s+/);
  if (operator === "<or>") return operands.filter((word) => word !== "<or>").includes(value);
  if (operator === "<all-in>") return operands.every((word) => value.includes(word));
  const [operand] = operands;
  if (operand === undefined) return value === requirement;
  const [wanted, given] = [Number(operand), Number(value)];
  if (Object.hasOwn(NUMERIC, operator)) return NUMERIC[operator]?.(given, wanted) === true;
  if (Object.hasOwn(TEXTUAL, operator)) return TEXTUAL[operator]?.(value, operand) === true;
  return value === requirement;
}
