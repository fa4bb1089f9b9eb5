import assert from "node:assert/strict";
import { test } from "node:test";

import { checkExtraSpec } from "./extra-specs.model.ts";

const good: [key: string, value: string][] = [
  ["hw:cpu_policy", "dedicated"],
  ["hw:numa_cpus.0", "0-3,^2"],
  ["hw:mem_page_size", "2MB"],
  ["hw:boot_menu", "True"],
  ["hw_rng:allowed", "yes"],
  ["quota:disk_read_iops_sec", "200"],
  ["quota:cpu_quota", "-1"],
  ["resources:VCPU", "2"],
  ["resources1:CUSTOM_FPGA", "0"],
  ["trait:HW_CPU_X86_AVX", "required"],
  ["aggregate_instance_extra_specs:disk", "ssd"],
  ["capabilities:cpu_info:features", "<in> aes"],
  ["os:monitors", "8"],
  ["anything", "goes"],
  ["mine:own", "x"],
];
for (const [key, value] of good) test(`${key}=${value} is taken`, () => checkExtraSpec(key, value));

const bad: [key: string, value: string][] = [
  ["hw:cpu_policy", "sharrred"],
  ["hw:cpu_policyyyyyyy", "shared"],
  ["hw:numa_nodes", "foo"],
  ["hw:numa_nodes", "0"],
  ["hw:boot_menu", "maybe"],
  ["quota:disk_read_iops", "200"],
  ["resources:VCPU", "-1"],
  ["trait:HW_CPU", "preferred"],
  ["os:monitors", "9"],
  ["hw:toString", "x"],
];
for (const [key, value] of bad)
  test(`${key}=${value} is refused`, () => assert.throws(() => checkExtraSpec(key, value), /Validation failed/));
