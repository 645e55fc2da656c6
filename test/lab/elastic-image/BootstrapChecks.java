package org.elasticsearch.bootstrap;

import org.elasticsearch.common.ReferenceDocs;

/** Stands in for Elasticsearch's own check, and for nothing else of its class: not every test machine lets root open 65,535 files. */
final class BootstrapChecks {
    static class FileDescriptorCheck implements BootstrapCheck {
        @Override
        public BootstrapCheckResult check(BootstrapContext context) {
            return BootstrapCheckResult.success();
        }

        @Override
        public ReferenceDocs referenceDocs() {
            return ReferenceDocs.BOOTSTRAP_CHECK_FILE_DESCRIPTOR;
        }
    }
}
