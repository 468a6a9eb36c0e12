// The stages from a request to linkable parcels, in the order build.cpp runs them.
#pragma once

#include "generator/advise/gpu_plan.hpp"
#include "generator/assemble/bytecode.hpp"
#include "generator/assemble/link.hpp"
#include "generator/commands/build_options.hpp"
#include "generator/lock/lock.hpp"

#include <list>
#include <memory>

namespace tinderbox {

class CapturedArtifact;

class Pipeline {
  public:
    explicit Pipeline(const BuildOptions& options);
    ~Pipeline();

    Status read_request();  // SPECs, command line → Request, or a Lock that was given
    Status capture();       // --python-from, --from-prefix
    Status solve();         // Request → Lock
    Status fetch();         // Lock → local files, every hash checked
    Status fetch_unknown(); // only what has no SHA-256 yet: all that a lock needs
    Status pack();          // files → parcels
    Status compile();       // bytecode parcels, when the lock says so
    void ask_sizes();       // what no index, lock or cache says: the servers, a byte each
    Status print_plan() const;
    // What can be said of GPUs before anything is downloaded.
    PlannedGpuNeeds planned_gpu() const;
    Status
    check_redistribution(); // of the lock: --redistributable refuses, everybody else hears of it when the build is done

    const Lock& lock() const { return lock_; }
    // Between read_request() and solve(): what is asked for may be bounded further.
    Request& request() { return request_; }
    bool request_is_lock() const { return request_is_lock_; }
    const PythonInfo& python() const { return python_; }
    const std::vector<LinkInput>& inputs() const { return inputs_; }
    // The conda at PREFIX; null without one. Valid after pack().
    const BaseLink* base() const { return base_ ? &*base_ : nullptr; }

  private:
    Status add_default_python();
    std::string wanted_base() const;
    Status keep_only_pip();
    Result<std::string> build_python(const std::vector<LockedArtifact>& conda);
    Result<Fetched> fetch_built(const LockedArtifact& artifact);
    Result<std::unique_ptr<Artifact>> open_artifact(std::size_t index);
    Download base_download() const;
    Status fetch_base();
    Status read_base();
    Status pack_base();
    Status pack_base_package(std::size_t index, Root root);
    Status read_carried(); // includes and what construct.yaml says of the installer
    Status read_includes();
    Status read_installer();
    Status pack_includes();
    Result<LockedArtifact> base_artifact(const ConstructorPackage& package) const;
    Result<Parcel> base_parcel(const ConstructorPackage& package, const std::string& sha256, bool info);
    PackOptions pack_options() const;
    std::string conda_variant(bool info) const; // of a conda package's parcel: its part of the key
    void order_conda_packages();
    const PythonInfo* python_of(Root root) const; // null: there is none in that prefix
    Result<std::string> interpreter_path(Root root);
    Interpreter interpreter(Root root);

    const BuildOptions& options_;
    Request request_;
    std::string target_python_; // lock --pip-only
    bool request_is_lock_ = false;
    bool python_is_default_ = false; // the request named none
    Lock lock_;
    std::unique_ptr<Fetcher> fetcher_;
    std::unique_ptr<CapturedArtifact> captured_;
    std::string capture_source_; // where captured_ was taken from
    std::vector<Fetched> files_; // one an artifact of the lock
    Fetched base_file_;          // the installer of the lock's base
    std::optional<ConstructorInstaller> installer_;
    std::map<std::size_t, LockedArtifact> base_artifacts_; // its packages, by index; inputs point at them
    std::vector<LinkInput> inputs_;
    PythonInfo python_;
    std::optional<BaseLink> base_;
    std::list<TemporaryDirectory> materialized_; // interpreters
};

} // namespace tinderbox
