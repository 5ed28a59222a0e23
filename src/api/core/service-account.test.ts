import { testCreates, testNames } from "../validation-table.ts";
import { serviceAccountResource } from "./service-account.ts";

testNames(serviceAccountResource, ["default", "a.b"], ["A", "a_b"]);
testCreates(serviceAccountResource, [["anything goes", { secrets: [{ name: "s" }], automountServiceAccountToken: false }, []]]);
