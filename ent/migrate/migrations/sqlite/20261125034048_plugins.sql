-- +goose Up
-- modify "cases" table
ALTER TABLE `cases` ADD COLUMN `checks_at` datetime NULL;
-- create index "casefile_checks_at" to table: "cases"
CREATE INDEX `casefile_checks_at` ON `cases` (`checks_at`) WHERE checks_at IS NOT NULL;
-- create "check_receipts" table
CREATE TABLE `check_receipts` (`id` text NOT NULL, `case_id` text NOT NULL, `plugin` text NOT NULL, `version` text NOT NULL, `digest` text NOT NULL, `sandbox` text NOT NULL, `unsigned` bool NOT NULL, `request` blob NOT NULL, `response` blob NOT NULL, `recorded_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "checkreceipt_case_id" to table: "check_receipts"
CREATE INDEX `checkreceipt_case_id` ON `check_receipts` (`case_id`);
-- create "plugin_activations" table
CREATE TABLE `plugin_activations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `version` text NOT NULL, `mode` text NOT NULL, `policies` json NOT NULL, `activated_at` datetime NOT NULL, `activated_by` text NOT NULL);
-- create index "pluginactivation_name" to table: "plugin_activations"
CREATE INDEX `pluginactivation_name` ON `plugin_activations` (`name`);
-- create "plugin_versions" table
CREATE TABLE `plugin_versions` (`id` text NOT NULL, `name` text NOT NULL, `version` text NOT NULL, `department` text NOT NULL, `checks` json NOT NULL, `programs` json NOT NULL, `manifest` blob NOT NULL, `signature` blob NULL, `installed_at` datetime NOT NULL, `installed_by` text NOT NULL, `mode` text NOT NULL, `policies` json NOT NULL, `activated_at` datetime NULL, `activated_by` text NULL, PRIMARY KEY (`id`));
-- create index "pluginversion_name_version" to table: "plugin_versions"
CREATE UNIQUE INDEX `pluginversion_name_version` ON `plugin_versions` (`name`, `version`);

-- +goose Down
-- reverse: create index "pluginversion_name_version" to table: "plugin_versions"
DROP INDEX `pluginversion_name_version`;
-- reverse: create "plugin_versions" table
DROP TABLE `plugin_versions`;
-- reverse: create index "pluginactivation_name" to table: "plugin_activations"
DROP INDEX `pluginactivation_name`;
-- reverse: create "plugin_activations" table
DROP TABLE `plugin_activations`;
-- reverse: create index "checkreceipt_case_id" to table: "check_receipts"
DROP INDEX `checkreceipt_case_id`;
-- reverse: create "check_receipts" table
DROP TABLE `check_receipts`;
-- reverse: create index "casefile_checks_at" to table: "cases"
DROP INDEX `casefile_checks_at`;
-- reverse: modify "cases" table
ALTER TABLE `cases` DROP COLUMN `checks_at`;
