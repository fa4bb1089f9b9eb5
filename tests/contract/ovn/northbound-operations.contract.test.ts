import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { ensureFloatingIp, removeFloatingIp } from "@andromede/control-plane/network-ovn/floating-ip";
