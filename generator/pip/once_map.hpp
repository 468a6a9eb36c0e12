// Values that are computed once, by the first thread that asks; other threads wait for the value.
#pragma once

#include "common/base/guarded.hpp"

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tinderbox::pip {

template <class T> class OnceMap {
  public:
    using Answer = std::shared_ptr<const Result<T>>;

    // `make` is () → Result<T>. It runs without a lock, so it may ask for other keys. Asking for its own key would wait
    // for ever.
    template <class Make> Answer get(const std::string& key, Make make) {
        std::promise<Answer> promise;
        {
            std::unique_lock lock(mutex_);
            auto [at, fresh] = answers_.try_emplace(key);
            if (!fresh) {
                auto waiting = at->second;
                lock.unlock();
                return waiting.get();
            }
            at->second = promise.get_future().share();
        }
        auto answer = std::make_shared<const Result<T>>(guarded(make)); // those who wait get an answer in any case
        promise.set_value(answer);
        return answer;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::shared_future<Answer>> answers_;
};

} // namespace tinderbox::pip
