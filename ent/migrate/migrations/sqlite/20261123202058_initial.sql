-- +goose Up
-- create "calendar_years" table
CREATE TABLE `calendar_years` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `calendar` text NOT NULL, `year` integer NOT NULL, `notice` json NOT NULL, PRIMARY KEY (`id`));
-- create index "calendaryear_calendar_year" to table: "calendar_years"
CREATE UNIQUE INDEX `calendaryear_calendar_year` ON `calendar_years` (`calendar`, `year`);
-- create "cited_laws" table
CREATE TABLE `cited_laws` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `name` text NOT NULL, `checked` text NOT NULL, `places` json NOT NULL, PRIMARY KEY (`id`));
-- create index "cited_laws_name_key" to table: "cited_laws"
CREATE UNIQUE INDEX `cited_laws_name_key` ON `cited_laws` (`name`);
-- create "clauses" table
CREATE TABLE `clauses` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `code` text NOT NULL, `category` text NOT NULL, `kind` text NOT NULL, `text` text NOT NULL, `text_en` text NULL, `applies` text NOT NULL, `requires` text NULL, `manual` text NULL, `evidence` json NOT NULL, `promisable` bool NOT NULL, `basis` json NOT NULL, `level` text NULL, `effective_from` text NULL, `effective_to` text NULL, `interpretation_group` text NULL, `confidence` text NULL, `verified` text NULL, `department_clauses` text NOT NULL, `standard_version_clauses` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `clauses_departments_clauses` FOREIGN KEY (`department_clauses`) REFERENCES `departments` (`id`) ON DELETE NO ACTION, CONSTRAINT `clauses_standard_versions_clauses` FOREIGN KEY (`standard_version_clauses`) REFERENCES `standard_versions` (`id`) ON DELETE NO ACTION);
-- create index "clause_code_standard_version_clauses" to table: "clauses"
CREATE UNIQUE INDEX `clause_code_standard_version_clauses` ON `clauses` (`code`, `standard_version_clauses`);
-- create "departments" table
CREATE TABLE `departments` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `retired` bool NOT NULL DEFAULT (false), `code` text NOT NULL, `name` text NOT NULL, `name_en` text NULL, `role` text NOT NULL, `duties` text NULL, `note` text NULL, PRIMARY KEY (`id`));
-- create index "departments_code_key" to table: "departments"
CREATE UNIQUE INDEX `departments_code_key` ON `departments` (`code`);
-- create "facts" table
CREATE TABLE `facts` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `retired` bool NOT NULL DEFAULT (false), `key` text NOT NULL, `definition` json NOT NULL, `retired_values` json NULL, PRIMARY KEY (`id`));
-- create index "facts_key_key" to table: "facts"
CREATE UNIQUE INDEX `facts_key_key` ON `facts` (`key`);
-- create "item_versions" table
CREATE TABLE `item_versions` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `code` text NOT NULL, `version` integer NOT NULL, `name` text NOT NULL, `name_en` text NULL, `kind` text NOT NULL, `type` text NOT NULL, `level` text NULL, `basis` json NOT NULL, `time` json NOT NULL, `needed_when` text NOT NULL, `preconditions` json NOT NULL, `obligations` json NOT NULL, `stops_clock` json NOT NULL, `result` json NOT NULL, `fee` json NOT NULL, `filing_due` text NULL, `commitment` json NOT NULL, `note` text NULL, `confidence` text NULL, `source` text NULL, `verified` text NULL, `department_items` text NOT NULL, `standard_version_item` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `item_versions_departments_items` FOREIGN KEY (`department_items`) REFERENCES `departments` (`id`) ON DELETE NO ACTION, CONSTRAINT `item_versions_standard_versions_item` FOREIGN KEY (`standard_version_item`) REFERENCES `standard_versions` (`id`) ON DELETE NO ACTION);
-- create index "item_versions_standard_version_item_key" to table: "item_versions"
CREATE UNIQUE INDEX `item_versions_standard_version_item_key` ON `item_versions` (`standard_version_item`);
-- create index "itemversion_code_version" to table: "item_versions"
CREATE UNIQUE INDEX `itemversion_code_version` ON `item_versions` (`code`, `version`);
-- create "materials" table
CREATE TABLE `materials` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `code` text NOT NULL, `pack_id` text NULL, `name` text NOT NULL, `brought_by` text NOT NULL, `tolerable` bool NOT NULL, `item_version_materials` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `materials_item_versions_materials` FOREIGN KEY (`item_version_materials`) REFERENCES `item_versions` (`id`) ON DELETE NO ACTION);
-- create "notices" table
CREATE TABLE `notices` (`id` text NOT NULL, `number` text NOT NULL, `issued_at` datetime NOT NULL, `digest` text NOT NULL, `document` blob NOT NULL, PRIMARY KEY (`id`));
-- create index "notices_number_key" to table: "notices"
CREATE UNIQUE INDEX `notices_number_key` ON `notices` (`number`);
-- create "policy_rules" table
CREATE TABLE `policy_rules` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `section` text NOT NULL, `code` text NOT NULL, `body` json NOT NULL, PRIMARY KEY (`id`));
-- create index "policyrule_section_code" to table: "policy_rules"
CREATE UNIQUE INDEX `policyrule_section_code` ON `policy_rules` (`section`, `code`);
-- create "regions" table
CREATE TABLE `regions` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `retired` bool NOT NULL DEFAULT (false), `code` text NOT NULL, `name` text NOT NULL, `kind` text NOT NULL, `confidence` text NULL, `note` text NULL, `region_children` text NULL, PRIMARY KEY (`id`), CONSTRAINT `regions_regions_children` FOREIGN KEY (`region_children`) REFERENCES `regions` (`id`) ON DELETE SET NULL);
-- create index "regions_code_key" to table: "regions"
CREATE UNIQUE INDEX `regions_code_key` ON `regions` (`code`);
-- create "revisions" table
CREATE TABLE `revisions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `digest` text NOT NULL, `effective_from` text NOT NULL, `imported_at` datetime NOT NULL, `extra` json NULL);
-- create "scheme_versions" table
CREATE TABLE `scheme_versions` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `code` text NOT NULL, `version` integer NOT NULL, `name` text NOT NULL, `name_en` text NULL, `applies_when` text NOT NULL, `assisting` json NOT NULL, `intake` json NOT NULL, `coordinator` text NOT NULL, `clock` json NOT NULL, `stages` json NOT NULL, `entries` json NOT NULL, `precedence` json NOT NULL, `zoning` json NOT NULL, `ask_first` json NOT NULL, `region_scope` text NULL, `note` text NULL, `scheme_version_lead` text NOT NULL, `standard_version_scheme` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `scheme_versions_departments_lead` FOREIGN KEY (`scheme_version_lead`) REFERENCES `departments` (`id`) ON DELETE NO ACTION, CONSTRAINT `scheme_versions_standard_versions_scheme` FOREIGN KEY (`standard_version_scheme`) REFERENCES `standard_versions` (`id`) ON DELETE NO ACTION);
-- create index "scheme_versions_standard_version_scheme_key" to table: "scheme_versions"
CREATE UNIQUE INDEX `scheme_versions_standard_version_scheme_key` ON `scheme_versions` (`standard_version_scheme`);
-- create index "schemeversion_code_version" to table: "scheme_versions"
CREATE UNIQUE INDEX `schemeversion_code_version` ON `scheme_versions` (`code`, `version`);
-- create "standard_versions" table
CREATE TABLE `standard_versions` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `kind` text NOT NULL, `code` text NOT NULL, `version` integer NOT NULL, `effective_from` text NULL, `effective_to` text NULL, `digest` text NOT NULL, PRIMARY KEY (`id`));
-- create index "standardversion_kind_code_version" to table: "standard_versions"
CREATE UNIQUE INDEX `standardversion_kind_code_version` ON `standard_versions` (`kind`, `code`, `version`);
-- create index "standardversion_effective_from_effective_to" to table: "standard_versions"
CREATE INDEX `standardversion_effective_from_effective_to` ON `standard_versions` (`effective_from`, `effective_to`);
-- create "zones" table
CREATE TABLE `zones` (`id` text NOT NULL, `position` integer NOT NULL, `extra` json NULL, `retired` bool NOT NULL DEFAULT (false), `code` text NOT NULL, `name` text NOT NULL, `name_en` text NULL, `basis` text NULL, `confidence` text NULL, `region_zones` text NULL, PRIMARY KEY (`id`), CONSTRAINT `zones_regions_zones` FOREIGN KEY (`region_zones`) REFERENCES `regions` (`id`) ON DELETE SET NULL);
-- create index "zones_code_key" to table: "zones"
CREATE UNIQUE INDEX `zones_code_key` ON `zones` (`code`);

-- +goose Down
-- reverse: create index "zones_code_key" to table: "zones"
DROP INDEX `zones_code_key`;
-- reverse: create "zones" table
DROP TABLE `zones`;
-- reverse: create index "standardversion_effective_from_effective_to" to table: "standard_versions"
DROP INDEX `standardversion_effective_from_effective_to`;
-- reverse: create index "standardversion_kind_code_version" to table: "standard_versions"
DROP INDEX `standardversion_kind_code_version`;
-- reverse: create "standard_versions" table
DROP TABLE `standard_versions`;
-- reverse: create index "schemeversion_code_version" to table: "scheme_versions"
DROP INDEX `schemeversion_code_version`;
-- reverse: create index "scheme_versions_standard_version_scheme_key" to table: "scheme_versions"
DROP INDEX `scheme_versions_standard_version_scheme_key`;
-- reverse: create "scheme_versions" table
DROP TABLE `scheme_versions`;
-- reverse: create "revisions" table
DROP TABLE `revisions`;
-- reverse: create index "regions_code_key" to table: "regions"
DROP INDEX `regions_code_key`;
-- reverse: create "regions" table
DROP TABLE `regions`;
-- reverse: create index "policyrule_section_code" to table: "policy_rules"
DROP INDEX `policyrule_section_code`;
-- reverse: create "policy_rules" table
DROP TABLE `policy_rules`;
-- reverse: create index "notices_number_key" to table: "notices"
DROP INDEX `notices_number_key`;
-- reverse: create "notices" table
DROP TABLE `notices`;
-- reverse: create "materials" table
DROP TABLE `materials`;
-- reverse: create index "itemversion_code_version" to table: "item_versions"
DROP INDEX `itemversion_code_version`;
-- reverse: create index "item_versions_standard_version_item_key" to table: "item_versions"
DROP INDEX `item_versions_standard_version_item_key`;
-- reverse: create "item_versions" table
DROP TABLE `item_versions`;
-- reverse: create index "facts_key_key" to table: "facts"
DROP INDEX `facts_key_key`;
-- reverse: create "facts" table
DROP TABLE `facts`;
-- reverse: create index "departments_code_key" to table: "departments"
DROP INDEX `departments_code_key`;
-- reverse: create "departments" table
DROP TABLE `departments`;
-- reverse: create index "clause_code_standard_version_clauses" to table: "clauses"
DROP INDEX `clause_code_standard_version_clauses`;
-- reverse: create "clauses" table
DROP TABLE `clauses`;
-- reverse: create index "cited_laws_name_key" to table: "cited_laws"
DROP INDEX `cited_laws_name_key`;
-- reverse: create "cited_laws" table
DROP TABLE `cited_laws`;
-- reverse: create index "calendaryear_calendar_year" to table: "calendar_years"
DROP INDEX `calendaryear_calendar_year`;
-- reverse: create "calendar_years" table
DROP TABLE `calendar_years`;
